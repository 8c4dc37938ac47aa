/** Messages read with more care than the generated readers take. */
import { Buffer, isUtf8 } from "node:buffer";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

export const protoPath = (name: string) => fileURLToPath(new URL(`../../proto/${name}`, import.meta.url));

const root = new protobuf.Root().loadSync(protoPath("omnispan.proto"), { keepCase: true }).resolveAll();

const LENGTH_DELIMITED = 2;

/** A field as it stands in a message's bytes. */
interface WireField {
  readonly tag: number;
  /** Undefined when this contract has none with its number. */
  readonly field: protobuf.Field | undefined;
  /** Of a text or a message within. */
  readonly content: Uint8Array | undefined;
  /** All of it, with its tag. */
  readonly whole: Uint8Array;
}

/** @throws {Error} when the bytes end too early or are no message */
function* fieldsOf(type: protobuf.Type, bytes: Uint8Array): Generator<WireField> {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    const content = (tag & 7) === LENGTH_DELIMITED ? reader.bytes() : undefined;
    if (!content) reader.skipType(tag & 7);
    yield { tag, field: type.fieldsById[tag >>> 3], content, whole: bytes.subarray(start, reader.pos) };
  }
}

/**
 * The first field whose text is no UTF-8, as in `messages[0].content`; undefined when there is none. The generated
 * reader would put U+FFFD in its place and say nothing.
 * @param message its name in the contract
 */
export function fieldWithoutUtf8(message: string, bytes: Uint8Array): string | undefined {
  return findWithoutUtf8(root.lookupType(message), bytes);
}

function findWithoutUtf8(type: protobuf.Type, bytes: Uint8Array): string | undefined {
  const seen = new Map<protobuf.Field, number>();
  for (const { field, content } of fieldsOf(type, bytes)) {
    if (!field || !content) continue;
    const at = seen.get(field) ?? 0;
    seen.set(field, at + 1);
    const name = field.repeated ? `${field.name}[${at}]` : field.name;
    if (field.type === "string" && !isUtf8(content)) return name;
    const inside = field.resolvedType instanceof protobuf.Type &&
      findWithoutUtf8(field.resolvedType, content);
    if (inside) return `${name}.${inside}`;
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
    return Buffer.concat([...fieldsOf(type, bytes)].map(({ tag, field, content, whole }) => {
      if (!content || !(field?.resolvedType instanceof protobuf.Type)) return whole;
      try {
        return protobuf.Writer.create().uint32(tag).bytes(readablePart(field.resolvedType, content)).finish();
      } catch {
        return new Uint8Array();
      }
    }));
  }
}
