import { loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { fileURLToPath } from "node:url";
import type { ProtoGrpcType } from "./generated/omnispan.ts";

const PROTO = fileURLToPath(new URL("../../proto/omnispan.proto", import.meta.url));

/** The wire contract as loaded from `proto/omnispan.proto`; its types are made from the same file (`deno task proto`). */
const contract = loadSync(PROTO, {
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});

/** The same with the field names of the file: what reflection has to tell, for clients name fields by it. */
export const contractAsWritten = loadSync(PROTO, { keepCase: true });

export const { omnispan } = loadPackageDefinition(contract) as unknown as ProtoGrpcType;
