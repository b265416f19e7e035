// World time as the platform shows it: Asia/Shanghai, whatever the machine's zone is.
import type { Lang } from "./api/types";

const shanghai = (options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hourCycle: "h23", ...options });

const clock = shanghai({ hour: "2-digit", minute: "2-digit" });
const exact = shanghai({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const date = shanghai({ month: "2-digit", day: "2-digit" });
const full = shanghai({ year: "numeric", month: "2-digit", day: "2-digit" });

const at = (seconds: number) => new Date(seconds * 1000);
const dashed = (text: string) => text.replaceAll("/", "-");

export const hhmm = (seconds: number) => clock.format(at(seconds));
export const hhmmss = (seconds: number) => exact.format(at(seconds));
export const monthDay = (seconds: number) => dashed(date.format(at(seconds)));
export const yearMonthDay = (seconds: number) => dashed(full.format(at(seconds)));

const DAY = 86_400;
/** Shanghai is UTC+8 without summer time. */
const OFFSET = 8 * 3_600;

export const nextMidnight = (seconds: number) =>
  (Math.floor((seconds + OFFSET) / DAY) + 1) * DAY - OFFSET;

/** Time that is left as people say it: days and hours, hours and minutes, minutes and seconds. */
export function leftParts(seconds: number): ["days" | "hours" | "minutes", Record<string, number>] {
  const left = Math.max(0, Math.floor(seconds));
  if (left > 2 * DAY) return ["days", { d: Math.floor(left / DAY), h: Math.floor((left % DAY) / 3_600) }];
  if (left >= 3_600) return ["hours", { h: Math.floor(left / 3_600), m: Math.floor((left % 3_600) / 60) }];
  return ["minutes", { m: Math.floor(left / 60), s: left % 60 }];
}

const inWords = {
  zh: { weekday: shanghai({ weekday: "long" }), day: shanghai({ month: "long", day: "numeric" }), year: shanghai({ year: "numeric", month: "long", day: "numeric" }) },
  en: {
    weekday: new Intl.DateTimeFormat("en-US", { timeZone: "Asia/Shanghai", weekday: "long" }),
    day: new Intl.DateTimeFormat("en-US", { timeZone: "Asia/Shanghai", month: "short", day: "numeric" }),
    year: new Intl.DateTimeFormat("en-US", { timeZone: "Asia/Shanghai", year: "numeric", month: "short", day: "numeric" }),
  },
};

/** Time of a chat as the app writes it: the hour today, yesterday, the weekday within a week, the date before that. */
export function chatTime(seconds: number, now: number, lang: Lang, yesterday: string): string {
  const days = Math.round((nextMidnight(now) - nextMidnight(seconds)) / DAY);
  const words = inWords[lang];
  if (days === 0) return hhmm(seconds);
  if (days === 1) return `${yesterday} ${hhmm(seconds)}`;
  if (days > 1 && days < 7) return `${words.weekday.format(at(seconds))} ${hhmm(seconds)}`;
  const form = yearMonthDay(seconds).slice(0, 4) === yearMonthDay(now).slice(0, 4) ? words.day : words.year;
  return `${form.format(at(seconds))} ${hhmm(seconds)}`;
}
