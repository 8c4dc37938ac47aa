// Original file: proto/omnispan.proto

import type { WorkerGenerateReply as _omnispan_WorkerGenerateReply, WorkerGenerateReply__Output as _omnispan_WorkerGenerateReply__Output } from '../omnispan/WorkerGenerateReply.ts';

export interface WorkerBatchGenerateReply {
  'responses'?: (_omnispan_WorkerGenerateReply)[];
  'batchLatencyMs'?: (number | string);
}

export interface WorkerBatchGenerateReply__Output {
  'responses': (_omnispan_WorkerGenerateReply__Output)[];
  'batchLatencyMs': (number);
}
