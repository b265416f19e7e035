// Pages by the fragment: no route needs the server's help. A page that is not built is not in the rail.
import { ref } from "vue";

export const pages = ["phone", "timeline", "accounts", "users", "explorer", "faults", "settings"] as const;
export type Page = (typeof pages)[number];

function read(): { page: Page; rest: string } {
  const [name = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  const page = pages.find((one) => one === name) ?? "phone";
  return { page, rest: decodeURIComponent(rest.join("/")) };
}

export const route = ref(read());
addEventListener("hashchange", () => (route.value = read()));

export function href(page: Page, rest = ""): string {
  return rest ? `#/${page}/${encodeURIComponent(rest)}` : `#/${page}`;
}

export function go(page: Page, rest = ""): void {
  location.hash = href(page, rest);
}
