// What text cards and markdown messages of applications show: the few marks that the phone knows. Pure; never makes HTML.

/** The colours that a font may have, as classes of ours. */
export type Tone = "" | "info" | "comment" | "warning" | "gray" | "normal" | "highlight";

export type Part =
  | { kind: "text"; text: string; tone: Tone }
  | { kind: "bold"; text: string }
  | { kind: "code"; text: string }
  | { kind: "link"; text: string; url: string };

export interface Block {
  kind: "line" | "heading" | "quote";
  parts: Part[];
}

const TONES: readonly string[] = ["info", "comment", "warning", "gray", "normal", "highlight"];
const tone = (name: string | undefined): Tone => (name && TONES.includes(name) ? (name as Tone) : "");

const MARK = /\*\*([^*]+)\*\*|`([^`]+)`|\[([^[\]]+)\]\((https?:\/\/[^)\s]+)\)|<font color=["']?(\w+)["']?>([\s\S]*?)<\/font>/g;

function parts(text: string): Part[] {
  const out: Part[] = [];
  let from = 0;
  const plain = (until: number) => {
    if (until > from) out.push({ kind: "text", text: text.slice(from, until), tone: "" });
  };
  for (const hit of text.matchAll(MARK)) {
    plain(hit.index);
    const [whole, bold, code, label, url, color, coloured] = hit;
    if (bold !== undefined) out.push({ kind: "bold", text: bold });
    else if (code !== undefined) out.push({ kind: "code", text: code });
    else if (label !== undefined && url !== undefined) out.push({ kind: "link", text: label, url });
    else out.push({ kind: "text", text: coloured ?? "", tone: tone(color) });
    from = hit.index + whole.length;
  }
  plain(text.length);
  return out;
}

/** Lines of a markdown message. */
export function blocks(text: string): Block[] {
  return text.split("\n").map((line) => {
    const heading = /^#{1,6} (.*)$/.exec(line);
    const quote = /^> ?(.*)$/.exec(line);
    if (heading) return { kind: "heading", parts: parts(heading[1] ?? "") };
    return quote ? { kind: "quote", parts: parts(quote[1] ?? "") } : { kind: "line", parts: parts(line) };
  });
}

/** The description of a text card: pieces in `<div class="gray">` and the like, each on a line of its own. */
export function markedLines(text: string): { text: string; tone: Tone }[] {
  const out: { text: string; tone: Tone }[] = [];
  const add = (piece: string, of: Tone) => {
    for (const line of piece.replace(/<br\s*\/?>/gi, "\n").split("\n")) if (line.trim()) out.push({ text: line.trim(), tone: of });
  };
  let from = 0;
  for (const hit of text.matchAll(/<div(?: class=["']?(\w+)["']?)?>([\s\S]*?)<\/div>/gi)) {
    add(text.slice(from, hit.index), "");
    add(hit[2] ?? "", tone(hit[1]));
    from = hit.index + hit[0].length;
  }
  add(text.slice(from), "");
  return out;
}
