// Original file: proto/omnispan.proto


export interface WorkerChunk {
  'requestId'?: (string);
  'textDelta'?: (string);
  'tokenIndex'?: (number);
  'finished'?: (boolean);
  'inputTokens'?: (number);
  'outputTokens'?: (number);
  'workerLatencyMs'?: (number | string);
  'ttftMs'?: (number | string);
  'tpotMs'?: (number | string);
  'status'?: (string);
  'errorMessage'?: (string);
  'tokens'?: (number);
  'finishReason'?: (string);
  'badRequest'?: (boolean);
}

export interface WorkerChunk__Output {
  'requestId': (string);
  'textDelta': (string);
  'tokenIndex': (number);
  'finished': (boolean);
  'inputTokens': (number);
  'outputTokens': (number);
  'workerLatencyMs': (number);
  'ttftMs': (number);
  'tpotMs': (number);
  'status': (string);
  'errorMessage': (string);
  'tokens': (number);
  'finishReason': (string);
  'badRequest': (boolean);
}
