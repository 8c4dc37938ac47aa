// Original file: proto/omnispan.proto

import type { Dispatch as _omnispan_Dispatch, Dispatch__Output as _omnispan_Dispatch__Output } from '../omnispan/Dispatch.ts';
import type { Timing as _omnispan_Timing, Timing__Output as _omnispan_Timing__Output } from '../omnispan/Timing.ts';

export interface GenerateReply {
  'requestId'?: (string);
  'tenantId'?: (string);
  'responseText'?: (string);
  'inputTokens'?: (number);
  'outputTokens'?: (number);
  'workerLatencyMs'?: (number | string);
  'endToEndLatencyMs'?: (number | string);
  'status'?: (string);
  'errorMessage'?: (string);
  'ttftMs'?: (number | string);
  'tpotMs'?: (number | string);
  'dispatch'?: (_omnispan_Dispatch | null);
  'finishReason'?: (string);
  'timing'?: (_omnispan_Timing | null);
}

export interface GenerateReply__Output {
  'requestId': (string);
  'tenantId': (string);
  'responseText': (string);
  'inputTokens': (number);
  'outputTokens': (number);
  'workerLatencyMs': (number);
  'endToEndLatencyMs': (number);
  'status': (string);
  'errorMessage': (string);
  'ttftMs': (number);
  'tpotMs': (number);
  'dispatch': (_omnispan_Dispatch__Output | null);
  'finishReason': (string);
  'timing': (_omnispan_Timing__Output | null);
}
