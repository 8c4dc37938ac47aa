import { loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { fileURLToPath } from "node:url";
import type { ProtoGrpcType } from "./generated/omnispan.ts";

/** The wire contract as loaded from `proto/omnispan.proto`; its types are made from the same file (`deno task proto`). */
export const contract = loadSync(fileURLToPath(new URL("../../proto/omnispan.proto", import.meta.url)), {
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});

export const { omnispan } = loadPackageDefinition(contract) as unknown as ProtoGrpcType;
