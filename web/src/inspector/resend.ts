// A callback's text for an editor: spread over lines to read, put together again to send.
import { ref } from "vue";

/** The row whose callback is being sent again; none most of the time. */
export const resending = ref("");

const TOKEN = /<!\[CDATA\[[\s\S]*?\]\]>|<[^<>]*>|[^<]+|</g;
const isXml = (text: string) => /^\s*</.test(text);

/** Elements on lines of their own. What stands in them stays as it is. */
export function spread(text: string): string {
  if (!isXml(text)) {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  }
  let out = "";
  let depth = 0;
  let opened = false;
  const line = () => `${out ? "\n" : ""}${"  ".repeat(Math.max(0, depth))}`;
  for (const token of text.match(TOKEN) ?? []) {
    const tag = token.startsWith("<") && !token.startsWith("<![CDATA[") && token.length > 1;
    if (!tag) {
      if (!token.trim()) continue;
      out += token;
    } else if (token.startsWith("</")) {
      depth--;
      out += opened ? token : line() + token;
      opened = false;
    } else {
      out += line() + token;
      opened = !/^<[?!]|\/>$/.test(token);
      if (opened) depth++;
    }
  }
  return out;
}

/** Takes out what `spread` put in: white space between elements, and between JSON's parts. */
export function joined(text: string): string {
  if (!isXml(text)) {
    try {
      return JSON.stringify(JSON.parse(text));
    } catch {
      return text;
    }
  }
  return (text.match(TOKEN) ?? []).filter((token) => token.startsWith("<") || token.trim()).join("");
}
