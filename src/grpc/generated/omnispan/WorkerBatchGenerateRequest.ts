// Original file: proto/omnispan.proto

import type { WorkerGenerateRequest as _omnispan_WorkerGenerateRequest, WorkerGenerateRequest__Output as _omnispan_WorkerGenerateRequest__Output } from '../omnispan/WorkerGenerateRequest.ts';

export interface WorkerBatchGenerateRequest {
  'requests'?: (_omnispan_WorkerGenerateRequest)[];
}

export interface WorkerBatchGenerateRequest__Output {
  'requests': (_omnispan_WorkerGenerateRequest__Output)[];
}
