// What a text message shows: links, menu answers and the platform's emoji codes. Pure; never makes HTML.

export type Piece =
  | { kind: "text"; text: string }
  | { kind: "link"; text: string; url: string }
  | { kind: "answer"; text: string; id: string; content: string };

/** Codes that users and applications write for faces; those without a like sign stay as they are. */
const FACES: Record<string, string> = {
  微笑: "🙂", 撇嘴: "😟", 色: "😍", 发呆: "😳", 得意: "😎", 流泪: "😭", 害羞: "☺️", 闭嘴: "🤐", 睡: "😴", 大哭: "😭",
  尴尬: "😅", 发怒: "😡", 调皮: "😜", 呲牙: "😁", 惊讶: "😲", 难过: "🙁", 囧: "😖", 抓狂: "😫", 吐: "🤮", 偷笑: "🤭",
  愉快: "😊", 白眼: "🙄", 傲慢: "😤", 困: "😪", 惊恐: "😱", 憨笑: "😄", 悠闲: "😌", 咒骂: "🤬", 疑问: "❓", 嘘: "🤫",
  晕: "😵", 衰: "😞", 骷髅: "💀", 敲打: "🔨", 再见: "👋", 擦汗: "😓", 鼓掌: "👏", 坏笑: "😏", 委屈: "🥺", 快哭了: "😢",
  亲亲: "😘", 可怜: "🥺", 笑脸: "😀", 生病: "😷", 破涕为笑: "😂", 脸红: "😊", 恐惧: "😨", 失望: "😔", 无语: "😑", 嘿哈: "😆",
  捂脸: "🤦", 奸笑: "😏", 机智: "🤓", 皱眉: "😣", 耶: "✌️", 吃瓜: "🍉", 加油: "💪", 汗: "😓", 天啊: "😱", 旺柴: "🐶",
  好的: "👌", 打脸: "🤕", 哇: "🤩", 嘴唇: "👄", 爱心: "❤️", 心碎: "💔", 拥抱: "🤗", 强: "👍", 弱: "👎", 握手: "🤝",
  胜利: "✌️", 抱拳: "🙏", 勾引: "👉", 拳头: "👊", OK: "👌", 合十: "🙏", 啤酒: "🍺", 咖啡: "☕", 蛋糕: "🎂", 玫瑰: "🌹",
  凋谢: "🥀", 菜刀: "🔪", 炸弹: "💣", 便便: "💩", 月亮: "🌙", 太阳: "☀️", 庆祝: "🎉", 礼物: "🎁", 红包: "🧧", 發: "🀅",
  福: "🧧", 烟花: "🎆", 爆竹: "🧨", 猪头: "🐷", 跳跳: "🕺", 发抖: "🥶", 转圈: "💃",
};
const ASCII: Record<string, string> = {
  "/::)": "🙂", "/::~": "😟", "/::B": "😍", "/::|": "😳", "/:8-)": "😎", "/::<": "😭", "/::$": "☺️", "/::X": "🤐", "/::Z": "😴",
  "/::'(": "😭", "/::-|": "😅", "/::@": "😡", "/::P": "😜", "/::D": "😁", "/::O": "😲", "/::(": "🙁", "/:strong": "👍",
  "/:weak": "👎", "/:share": "🤝", "/:v": "✌️", "/:rose": "🌹", "/:heart": "❤️", "/:break": "💔", "/:coffee": "☕", "/:handclap": "👏",
};
const ASCII_CODES = Object.keys(ASCII).sort((a, b) => b.length - a.length);
const ESCAPED = /[.*+?^${}()|[\]\\/]/g;
const FACE = new RegExp(`\\[([^\\[\\]\\s]{1,5})\\]|(${ASCII_CODES.map((code) => code.replace(ESCAPED, "\\$&")).join("|")})`, "g");

export const faces = Object.entries(FACES).slice(0, 40).map(([name, sign]) => ({ code: `[${name}]`, sign }));

export function withFaces(text: string): string {
  return text.replace(FACE, (whole, name: string | undefined, ascii: string | undefined) =>
    (name ? FACES[name] : ascii ? ASCII[ascii] : undefined) ?? whole,
  );
}

const ANCHOR = /<a\s([^<>]*)>([^<]*)<\/a>/gi;
const HREF = /href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/i;
const BARE = /https?:\/\/[^\s<>"'，。；！？、）】]+/gi;

const unescape = (text: string) =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ({ amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" })[name] ?? "");

/** Only addresses that a phone would open as a page are links. */
const isPage = (url: string) => /^https?:\/\//i.test(url);

function link(text: string, url: string): Piece {
  if (/^weixin:\/\/bizmsgmenu/i.test(url)) {
    const query = new URLSearchParams(url.slice(url.indexOf("?") + 1));
    return { kind: "answer", text: withFaces(text), id: query.get("msgmenuid") ?? "", content: query.get("msgmenucontent") ?? text };
  }
  return isPage(url) ? { kind: "link", text: withFaces(text), url } : { kind: "text", text: withFaces(text) };
}

function bare(text: string, into: Piece[]): void {
  let from = 0;
  for (const hit of text.matchAll(BARE)) {
    if (hit.index > from) into.push({ kind: "text", text: withFaces(text.slice(from, hit.index)) });
    into.push({ kind: "link", text: hit[0], url: hit[0] });
    from = hit.index + hit[0].length;
  }
  if (from < text.length) into.push({ kind: "text", text: withFaces(text.slice(from)) });
}

export function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  for (const hit of text.matchAll(ANCHOR)) {
    if (hit.index > from) bare(text.slice(from, hit.index), out);
    const href = HREF.exec(hit[1] ?? "");
    out.push(link(hit[2] ?? "", unescape(href?.[1] ?? href?.[2] ?? href?.[3] ?? "")));
    from = hit.index + hit[0].length;
  }
  if (from < text.length) bare(text.slice(from), out);
  return out;
}
