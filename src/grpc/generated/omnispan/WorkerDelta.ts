// Original file: proto/omnispan.proto

import type { Long } from '@grpc/proto-loader';

export interface WorkerDelta {
  'sequence'?: (number | string | Long);
  'tokenIndex'?: (number);
  'tokens'?: (number);
  'text'?: (string);
}

export interface WorkerDelta__Output {
  'sequence': (number);
  'tokenIndex': (number);
  'tokens': (number);
  'text': (string);
}
