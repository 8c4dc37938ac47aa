/** Messages read with more care than the generated readers take. */
import { Buffer, isUtf8 } from "node:buffer";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

export const protoPath = (name: string) => fileURLToPath(new URL(`../../proto/${name}`, import.meta.url));

const root = new protobuf.Root().loadSync(protoPath("omnispan.proto"), { keepCase: true }).resolveAll();

const VARINT = 0;
const LENGTH_DELIMITED = 2;
/** Of the types that are no messages. */
const WIRE_TYPES: Readonly<Record<string, number>> = protobuf.types.basic;

/**
 * What a message consists of, with the messages in it, seen before it is decoded. The generated reader looks at no wire
 * type: it would read other bytes as a field than any other reader. And in place of text that is no UTF-8 it would put
 * U+FFFD, and say nothing.
 */
export class Survey {
  /** The first field that would not be read as it was written, as in `messages[0].content`. */
  fault: { readonly field: string; readonly rule: string } | undefined;
  fields = 0;
  /** Of all lists of numbers; `fields` does not count these. */
  numbers = 0;

  /**
   * Looks no further than the first fault or `maxFields`.
   * @param message its name in the contract
   * @throws {Error} when the bytes are no message
   */
  constructor(message: string, bytes: Uint8Array, private readonly maxFields = Infinity) {
    this.#look(root.lookupType(message), bytes, "");
  }

  #look(type: protobuf.Type, bytes: Uint8Array, path: string): void {
    const reader = protobuf.Reader.create(bytes);
    const seen = new Map<protobuf.Field, number>();
    while (reader.pos < reader.len && !this.fault && this.fields <= this.maxFields) {
      const tag = reader.uint32();
      const wireType = tag & 7;
      const field = type.fieldsById[tag >>> 3];
      const own = field ? wireTypeOf(field, wireType) : wireType;
      if (!field || !isOfNumbers(field)) this.fields++;
      else if (wireType !== LENGTH_DELIMITED) this.numbers++;
      if (field && wireType !== own) {
        this.fault = { field: path + field.name, rule: `must have the wire type ${own}, got ${wireType}` };
      } else if (field && own === LENGTH_DELIMITED) {
        const at = seen.get(field) ?? 0;
        if (field.repeated) seen.set(field, at + 1);
        this.#lookInto(field, reader.bytes(), () => path + nameOf(field, at));
      } else reader.skipType(wireType);
    }
  }

  #lookInto(field: protobuf.Field, content: Uint8Array, name: () => string): void {
    if (field.resolvedType instanceof protobuf.Type) this.#look(field.resolvedType, content, `${name()}.`);
    else if (isOfNumbers(field)) { for (const byte of content) if (byte < 0x80) this.numbers++; }
    else if (!isUtf8(content)) {
      this.fault = { field: name(), rule: "must be UTF-8, got bytes that are not" };
    }
  }
}

function nameOf({ name, repeated }: protobuf.Field, at: number): string {
  return repeated ? `${name}[${at}]` : name;
}

/** A list of numbers comes as one packed part, or as a part for each. */
function isOfNumbers({ repeated, type }: protobuf.Field): boolean {
  return repeated && type in protobuf.types.packed;
}

/** The wire type that the contract gives a field; of those that it gives a list of numbers, `given` or the first. */
function wireTypeOf(field: protobuf.Field, given: number): number {
  if (field.resolvedType instanceof protobuf.Type) return LENGTH_DELIMITED;
  if (isOfNumbers(field) && given === LENGTH_DELIMITED) return LENGTH_DELIMITED;
  return WIRE_TYPES[field.type] ?? VARINT; // an enum is a number
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
