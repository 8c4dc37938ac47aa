// Original file: proto/omnispan.proto

import type { WorkerGenerateReply as _omnispan_WorkerGenerateReply, WorkerGenerateReply__Output as _omnispan_WorkerGenerateReply__Output } from '../omnispan/WorkerGenerateReply.ts';
import type { Long } from '@grpc/proto-loader';

export interface WorkerResult {
  'sequence'?: (number | string | Long);
  'reply'?: (_omnispan_WorkerGenerateReply | null);
}

export interface WorkerResult__Output {
  'sequence': (number);
  'reply': (_omnispan_WorkerGenerateReply__Output | null);
}
