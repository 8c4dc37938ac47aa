// Original file: proto/omnispan.proto

import type { WorkerSubmit as _omnispan_WorkerSubmit, WorkerSubmit__Output as _omnispan_WorkerSubmit__Output } from '../omnispan/WorkerSubmit.ts';
import type { WorkerCancel as _omnispan_WorkerCancel, WorkerCancel__Output as _omnispan_WorkerCancel__Output } from '../omnispan/WorkerCancel.ts';

export interface WorkerCommand {
  'submit'?: (_omnispan_WorkerSubmit | null);
  'cancel'?: (_omnispan_WorkerCancel | null);
  'command'?: "submit"|"cancel";
}

export interface WorkerCommand__Output {
  'submit'?: (_omnispan_WorkerSubmit__Output | null);
  'cancel'?: (_omnispan_WorkerCancel__Output | null);
  'command'?: "submit"|"cancel";
}
