// Original file: proto/omnispan.proto

import type { WorkerHello as _omnispan_WorkerHello, WorkerHello__Output as _omnispan_WorkerHello__Output } from '../omnispan/WorkerHello.ts';
import type { WorkerStep as _omnispan_WorkerStep, WorkerStep__Output as _omnispan_WorkerStep__Output } from '../omnispan/WorkerStep.ts';
import type { WorkerLoad as _omnispan_WorkerLoad, WorkerLoad__Output as _omnispan_WorkerLoad__Output } from '../omnispan/WorkerLoad.ts';

export interface WorkerEvent {
  'hello'?: (_omnispan_WorkerHello | null);
  'step'?: (_omnispan_WorkerStep | null);
  'load'?: (_omnispan_WorkerLoad | null);
  'event'?: "hello"|"step"|"load";
}

export interface WorkerEvent__Output {
  'hello'?: (_omnispan_WorkerHello__Output | null);
  'step'?: (_omnispan_WorkerStep__Output | null);
  'load'?: (_omnispan_WorkerLoad__Output | null);
  'event'?: "hello"|"step"|"load";
}
