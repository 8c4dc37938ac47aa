import { loadPackageDefinition, type ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { ProtoGrpcType } from "./generated/omnispan.ts";
import { protoPath, readingAround } from "./reading.ts";

/** The wire contract as loaded from `proto/omnispan.proto`; its types are made from the same file (`deno task proto`). */
const contract = loadSync(protoPath("omnispan.proto"), {
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});

/** The worker's answers that are of several requests: where one can't be read, the others are. */
const SHARED_ANSWERS = {
  Session: "omnispan.WorkerEvent",
  GenerateBatch: "omnispan.WorkerBatchGenerateReply",
};

const worker = contract["omnispan.Worker"] as ServiceDefinition;
for (const [name, message] of Object.entries(SHARED_ANSWERS)) {
  const method = worker[name]!;
  method.responseDeserialize = readingAround(message, method.responseDeserialize);
}

/** What reflection gives: all services of the engine. Field names are as written, for clients name fields by them. */
export const reflected = {
  ...loadSync(protoPath("omnispan.proto"), { keepCase: true }),
  ...loadSync(protoPath("grpc/health/v1/health.proto"), { keepCase: true }),
};

export const { omnispan } = loadPackageDefinition(contract) as unknown as ProtoGrpcType;
