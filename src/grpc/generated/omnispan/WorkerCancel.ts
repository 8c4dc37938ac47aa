// Original file: proto/omnispan.proto

import type { Long } from '@grpc/proto-loader';

export interface WorkerCancel {
  'sequences'?: (number | string | Long)[];
}

export interface WorkerCancel__Output {
  'sequences': (number)[];
}
