/** Messages read with more care than the generated readers take. */
import { Buffer, isUtf8 } from "node:buffer";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

export const protoPath = (name: string) => fileURLToPath(new URL(`../../proto/${name}`, import.meta.url));

const root = new protobuf.Root().loadSync(protoPath("omnispan.proto"), { keepCase: true }).resolveAll();

const LENGTH_DELIMITED = 2;

/**
 * The first field whose text is no UTF-8, as in `messages[0].content`; undefined when there is none. The generated
 * reader would put U+FFFD in its place and say nothing.
 * @param message its name in the contract
 */
export function fieldWithoutUtf8(message: string, bytes: Uint8Array): string | undefined {
  return findWithoutUtf8(root.lookupType(message), bytes);
}

function findWithoutUtf8(type: protobuf.Type, bytes: Uint8Array): string | undefined {
  const reader = protobuf.Reader.create(bytes);
  const seen = new Map<protobuf.Field, number>();
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const field = type.fieldsById[tag >>> 3];
    const message = field?.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;
    if ((tag & 7) !== LENGTH_DELIMITED || !field || (field.type !== "string" && !message)) {
      reader.skipType(tag & 7);
      continue;
    }
    const content = reader.bytes();
    const at = seen.get(field) ?? 0;
    if (field.repeated) seen.set(field, at + 1);
    const inside = message && findWithoutUtf8(message, content);
    if (inside === undefined && (message || isUtf8(content))) continue;
    return (field.repeated ? `${field.name}[${at}]` : field.name) + (message ? `.${inside}` : "");
  }
  return undefined;
}

/**
 * Reads as `read` does, and where that fails, without those messages within that can't be read.
 * @param message its name in the contract
 */
export function readingAround<T>(message: string, read: (bytes: Buffer) => T): (bytes: Buffer) => T {
  const type = root.lookupType(message);
  return (bytes) => {
    try {
      return read(bytes);
    } catch {
      return read(Buffer.from(readablePart(type, bytes)));
    }
  };
}

/** @throws {Error} when the message's own fields can't be read */
function readablePart(type: protobuf.Type, bytes: Uint8Array): Uint8Array {
  try {
    type.decode(bytes);
    return bytes;
  } catch {
    const reader = protobuf.Reader.create(bytes);
    const parts: Uint8Array[] = [];
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const tag = reader.uint32();
      const message = type.fieldsById[tag >>> 3]?.resolvedType;
      if ((tag & 7) === LENGTH_DELIMITED && message instanceof protobuf.Type) {
        const content = reader.bytes();
        try {
          parts.push(protobuf.Writer.create().uint32(tag).bytes(readablePart(message, content)).finish());
        } catch {
          // It is left out.
        }
      } else {
        reader.skipType(tag & 7);
        parts.push(bytes.subarray(start, reader.pos));
      }
    }
    return Buffer.concat(parts);
  }
}
