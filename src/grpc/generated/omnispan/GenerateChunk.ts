// Original file: proto/omnispan.proto

import type { Dispatch as _omnispan_Dispatch, Dispatch__Output as _omnispan_Dispatch__Output } from '../omnispan/Dispatch.ts';
import type { Timing as _omnispan_Timing, Timing__Output as _omnispan_Timing__Output } from '../omnispan/Timing.ts';

export interface GenerateChunk {
  'requestId'?: (string);
  'tenantId'?: (string);
  'textDelta'?: (string);
  'tokenIndex'?: (number);
  'finished'?: (boolean);
  'inputTokens'?: (number);
  'outputTokens'?: (number);
  'workerLatencyMs'?: (number | string);
  'endToEndLatencyMs'?: (number | string);
  'ttftMs'?: (number | string);
  'tpotMs'?: (number | string);
  'engineTtftMs'?: (number | string);
  'status'?: (string);
  'errorMessage'?: (string);
  'gateWaitMs'?: (number | string);
  'tokens'?: (number);
  'finishReason'?: (string);
  'dispatch'?: (_omnispan_Dispatch | null);
  'timing'?: (_omnispan_Timing | null);
}

export interface GenerateChunk__Output {
  'requestId': (string);
  'tenantId': (string);
  'textDelta': (string);
  'tokenIndex': (number);
  'finished': (boolean);
  'inputTokens': (number);
  'outputTokens': (number);
  'workerLatencyMs': (number);
  'endToEndLatencyMs': (number);
  'ttftMs': (number);
  'tpotMs': (number);
  'engineTtftMs': (number);
  'status': (string);
  'errorMessage': (string);
  'gateWaitMs': (number);
  'tokens': (number);
  'finishReason': (string);
  'dispatch': (_omnispan_Dispatch__Output | null);
  'timing': (_omnispan_Timing__Output | null);
}
