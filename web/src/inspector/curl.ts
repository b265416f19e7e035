// A request of the timeline as a command that repeats it. An app's call goes through the control interface, which brings
// a token of its own: the one of the row is masked, and its host is the real platform.
import type { Row } from "../api/types";

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
/** curl computes these itself. */
const OWN = new Set(["host", "content-length", "connection", "accept-encoding", "transfer-encoding"]);
/** What a row shows of a secret: its first characters and its length. */
const MASKED = /…\(\d+\)$/;

export function curl(request: NonNullable<Row["request"]>, row?: Row, console = ""): string {
  if (row?.call?.endpoint && row.account) return throughControl(request, row.call.endpoint, row.account, console);
  const parts = [`curl -i ${quote(request.url)}`];
  if (request.method !== "GET" && !(request.method === "POST" && request.body)) parts.push(`-X ${request.method}`);
  for (const [name, value] of request.headers) {
    if (!OWN.has(name.toLowerCase())) parts.push(`-H ${quote(`${name}: ${value}`)}`);
  }
  if (request.body) parts.push(`--data-binary ${quote(request.body)}`);
  return parts.join(" \\\n  ");
}

function throughControl(request: NonNullable<Row["request"]>, endpoint: string, account: string, console: string): string {
  const query = Object.fromEntries([...new URL(request.url).searchParams].filter(([, value]) => !MASKED.test(value)));
  const wanted = { endpoint, account, ...(Object.keys(query).length ? { query } : {}), ...(request.body ? { body: request.body } : {}) };
  return [`curl ${quote(`${console}/_sim/v1/call`)}`, "-H 'content-type: application/json'", `-d ${quote(JSON.stringify(wanted))}`].join(" \\\n  ");
}
