// A request of the timeline as a command that repeats it.
import type { Row } from "../api/types";

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
/** curl computes these itself. */
const OWN = new Set(["host", "content-length", "connection", "accept-encoding", "transfer-encoding"]);

export function curl(request: NonNullable<Row["request"]>): string {
  const parts = [`curl -i ${quote(request.url)}`];
  if (request.method !== "GET" && !(request.method === "POST" && request.body)) parts.push(`-X ${request.method}`);
  for (const [name, value] of request.headers) {
    if (!OWN.has(name.toLowerCase())) parts.push(`-H ${quote(`${name}: ${value}`)}`);
  }
  if (request.body) parts.push(`--data-binary ${quote(request.body)}`);
  return parts.join(" \\\n  ");
}
