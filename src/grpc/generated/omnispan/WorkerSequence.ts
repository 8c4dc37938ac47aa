// Original file: proto/omnispan.proto

import type { WorkerGenerateRequest as _omnispan_WorkerGenerateRequest, WorkerGenerateRequest__Output as _omnispan_WorkerGenerateRequest__Output } from '../omnispan/WorkerGenerateRequest.ts';
import type { Long } from '@grpc/proto-loader';

export interface WorkerSequence {
  'sequence'?: (number | string | Long);
  'stream'?: (boolean);
  'request'?: (_omnispan_WorkerGenerateRequest | null);
}

export interface WorkerSequence__Output {
  'sequence': (number);
  'stream': (boolean);
  'request': (_omnispan_WorkerGenerateRequest__Output | null);
}
