// Light, dark, or as the system has it. The choice sets one attribute; the style sheet does the rest.
import { ref, watchEffect } from "vue";

export type Theme = "auto" | "light" | "dark";

const asked = globalThis.localStorage?.getItem("xinqiao.theme");
export const theme = ref<Theme>(asked === "light" || asked === "dark" ? asked : "auto");
const system = matchMedia("(prefers-color-scheme: dark)");
const systemDark = ref(system.matches);
system.addEventListener("change", () => (systemDark.value = system.matches));

export const dark = () => theme.value === "dark" || (theme.value === "auto" && systemDark.value);

watchEffect(() => {
  document.documentElement.dataset.theme = dark() ? "dark" : "light";
});

export function setTheme(next: Theme): void {
  theme.value = next;
  localStorage.setItem("xinqiao.theme", next);
}
