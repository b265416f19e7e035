// Puts text on the clipboard and says so; a page that is not on this machine's address has no clipboard of its own.
import { t } from "../i18n";
import { toast } from "../store/store";

export async function copyText(text: string, done = t("copied")): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(done);
  } catch {
    toast(t("copyFailed"), true);
  }
}
