// Original file: proto/omnispan.proto

import type { DispatchReason as _omnispan_DispatchReason, DispatchReason__Output as _omnispan_DispatchReason__Output } from '../omnispan/DispatchReason.ts';
import type { Long } from '@grpc/proto-loader';

export interface Dispatch {
  'id'?: (number | string | Long);
  'size'?: (number);
  'reason'?: (_omnispan_DispatchReason);
  'queueWaitMs'?: (number | string);
  'lateMs'?: (number | string);
  'attempts'?: (number);
}

export interface Dispatch__Output {
  'id': (number);
  'size': (number);
  'reason': (_omnispan_DispatchReason__Output);
  'queueWaitMs': (number);
  'lateMs': (number);
  'attempts': (number);
}
