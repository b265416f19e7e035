// World time as the platform shows it: Asia/Shanghai, whatever the machine's zone is.
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

/** `47:58`: hours and minutes that are left. */
export function hoursLeft(seconds: number): string {
  const left = Math.max(0, Math.floor(seconds / 60));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

/** Time of a chat: the hour today, the day before that. */
export function chatTime(seconds: number, now: number): string {
  return yearMonthDay(seconds) === yearMonthDay(now) ? hhmm(seconds) : `${monthDay(seconds)} ${hhmm(seconds)}`;
}
