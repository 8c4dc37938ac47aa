// Original file: proto/omnispan.proto

import type { WorkerDelta as _omnispan_WorkerDelta, WorkerDelta__Output as _omnispan_WorkerDelta__Output } from '../omnispan/WorkerDelta.ts';
import type { WorkerResult as _omnispan_WorkerResult, WorkerResult__Output as _omnispan_WorkerResult__Output } from '../omnispan/WorkerResult.ts';

export interface WorkerStep {
  'deltas'?: (_omnispan_WorkerDelta)[];
  'results'?: (_omnispan_WorkerResult)[];
}

export interface WorkerStep__Output {
  'deltas': (_omnispan_WorkerDelta__Output)[];
  'results': (_omnispan_WorkerResult__Output)[];
}
