// Original file: proto/omnispan.proto

import type { WorkerSequence as _omnispan_WorkerSequence, WorkerSequence__Output as _omnispan_WorkerSequence__Output } from '../omnispan/WorkerSequence.ts';

export interface WorkerSubmit {
  'sequences'?: (_omnispan_WorkerSequence)[];
}

export interface WorkerSubmit__Output {
  'sequences': (_omnispan_WorkerSequence__Output)[];
}
