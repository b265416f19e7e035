// Cuts XML into coloured parts and indents it. Shows what it is given: no parsing, no entity is resolved.

export interface Mark {
  kind: "tag" | "value" | "plain" | "fence";
  text: string;
}

const TOKEN = /<!\[CDATA\[[\s\S]*?\]\]>|<[^<>]*>|[^<]+|</g;

export function xmlMarks(xml: string): Mark[][] {
  const tokens = xml.match(TOKEN) ?? [xml];
  const out: Mark[][] = [];
  let line: Mark[] = [];
  let depth = 0;
  let held = false;
  const flush = () => {
    if (line.length) out.push(line);
    line = [];
  };
  const begin = () => {
    flush();
    line.push({ kind: "plain", text: "  ".repeat(Math.max(0, depth)) });
  };
  for (const token of tokens) {
    if (token.startsWith("<![CDATA[") || !token.startsWith("<")) {
      const cdata = token.startsWith("<![CDATA[");
      if (!cdata && !token.trim()) continue;
      if (cdata) {
        line.push({ kind: "fence", text: "<![CDATA[" }, { kind: "value", text: token.slice(9, -3) }, { kind: "fence", text: "]]>" });
      } else line.push({ kind: "value", text: token.trim() });
      held = true;
    } else if (token.startsWith("</")) {
      depth--;
      if (!held) begin();
      line.push({ kind: "plain", text: "</" }, { kind: "tag", text: token.slice(2, -1) }, { kind: "plain", text: ">" });
      held = false;
      flush();
    } else {
      begin();
      const name = /^<([^\s/>]+)/.exec(token)?.[1] ?? "";
      line.push({ kind: "plain", text: "<" }, { kind: "tag", text: name }, { kind: "plain", text: token.slice(1 + name.length) });
      const whole = token.endsWith("/>") || token.startsWith("<?") || token.startsWith("<!");
      if (!whole) depth++;
      // An element that holds only text stays on one line.
      held = false;
      if (whole) flush();
    }
  }
  flush();
  return joinEmpty(out);
}

/** `<a>` followed by `</a>` with nothing between goes on one line. */
function joinEmpty(list: Mark[][]): Mark[][] {
  const out: Mark[][] = [];
  for (const line of list) {
    const before = out[out.length - 1];
    const opened = before?.[1]?.text === "<" && before.length === 4 ? before[2]?.text : undefined;
    const closed = line[1]?.text === "</" ? line[2]?.text : undefined;
    if (before && opened && opened === closed) before.push(...line.slice(1));
    else out.push(line);
  }
  return out;
}

export function pretty(text: string): string {
  const head = text.trimStart()[0];
  if (head === "{" || head === "[") {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  }
  return text;
}

export const looksLikeXml = (text: string) => /^\s*</.test(text) && !/^\s*<!doctype html/i.test(text);
