// Original file: proto/omnispan.proto

import type { Long } from '@grpc/proto-loader';

export interface WorkerGenerateRequest {
  'requestId'?: (string);
  'tenantId'?: (string);
  'prompt'?: (string);
  'maxTokens'?: (number);
  'submittedAtMs'?: (number | string | Long);
  'timeoutMs'?: (number);
}

export interface WorkerGenerateRequest__Output {
  'requestId': (string);
  'tenantId': (string);
  'prompt': (string);
  'maxTokens': (number);
  'submittedAtMs': (number);
  'timeoutMs': (number);
}
