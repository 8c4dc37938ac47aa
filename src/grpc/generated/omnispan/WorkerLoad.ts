// Original file: proto/omnispan.proto

import type { Long } from '@grpc/proto-loader';

export interface WorkerLoad {
  'running'?: (number);
  'waiting'?: (number);
  'kvUsage'?: (number | string);
  'draining'?: (boolean);
  'steps'?: (number | string | Long);
  'rowSteps'?: (number | string | Long);
  'iterations'?: (number | string | Long);
}

export interface WorkerLoad__Output {
  'running': (number);
  'waiting': (number);
  'kvUsage': (number);
  'draining': (boolean);
  'steps': (number);
  'rowSteps': (number);
  'iterations': (number);
}
