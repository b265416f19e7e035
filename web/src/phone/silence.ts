// A voice message needs bytes that an application may decode: AMR narrow band, as the phone records it, saying nothing.

const FRAMES_A_SECOND = 50;
/** Frame type 15, quality bit set: "no data" for 20 ms. */
const NO_DATA = 0x7c;

export function silence(seconds: number): Blob {
  const head = new TextEncoder().encode("#!AMR\n");
  const bytes = new Uint8Array(head.length + seconds * FRAMES_A_SECOND).fill(NO_DATA);
  bytes.set(head);
  return new Blob([bytes], { type: "audio/amr" });
}
