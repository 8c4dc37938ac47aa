// Original file: proto/omnispan.proto

import type { ChatMessage as _omnispan_ChatMessage, ChatMessage__Output as _omnispan_ChatMessage__Output } from '../omnispan/ChatMessage.ts';
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
  'messages'?: (_omnispan_ChatMessage)[];
  'rawPrompt'?: (boolean);
  'traceparent'?: (string);
  'minTokens'?: (number);
  'frequencyPenalty'?: (number | string);
  'presencePenalty'?: (number | string);
  'repetitionPenalty'?: (number | string);
  'promptTokens'?: (number)[];
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
  'messages': (_omnispan_ChatMessage__Output)[];
  'rawPrompt': (boolean);
  'traceparent': (string);
  'minTokens': (number);
  'frequencyPenalty': (number);
  'presencePenalty': (number);
  'repetitionPenalty': (number);
  'promptTokens': (number)[];
  '_seed'?: "seed";
}
