import { Buffer } from "node:buffer";

/** The longest beginning of a text that has at most so many bytes; no character is cut in two. */
export function cutToBytes(text: string, most: number): string {
  if (3 * text.length <= most) return text;
  return new TextDecoder().decode(Buffer.from(text).subarray(0, most), { stream: true });
}
