// Original file: proto/omnispan.proto

import type { Long } from '@grpc/proto-loader';

export interface WorkerGenerateRequest {
  'requestId'?: (string);
  'tenantId'?: (string);
  'prompt'?: (string);
  'maxTokens'?: (number);
  'submittedAtMs'?: (number | string | Long);
  'timeoutMs'?: (number);
  'temperature'?: (number | string);
  'topP'?: (number | string);
  'topK'?: (number);
  'seed'?: (number);
  'stop'?: (string)[];
  'ignoreEos'?: (boolean);
  '_seed'?: "seed";
}

export interface WorkerGenerateRequest__Output {
  'requestId': (string);
  'tenantId': (string);
  'prompt': (string);
  'maxTokens': (number);
  'submittedAtMs': (number);
  'timeoutMs': (number);
  'temperature': (number);
  'topP': (number);
  'topK': (number);
  'seed'?: (number);
  'stop': (string)[];
  'ignoreEos': (boolean);
  '_seed'?: "seed";
}
