import { loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { fileURLToPath } from "node:url";
import type { ProtoGrpcType } from "./generated/omnispan.ts";

export const protoPath = (name: string) => fileURLToPath(new URL(`../../proto/${name}`, import.meta.url));

/** The wire contract as loaded from `proto/omnispan.proto`; its types are made from the same file (`deno task proto`). */
const contract = loadSync(protoPath("omnispan.proto"), {
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});

/** What reflection tells: all services of the engine, with field names as written, for clients name fields by it. */
export const reflected = {
  ...loadSync(protoPath("omnispan.proto"), { keepCase: true }),
  ...loadSync(protoPath("grpc/health/v1/health.proto"), { keepCase: true }),
};

export const { omnispan } = loadPackageDefinition(contract) as unknown as ProtoGrpcType;
