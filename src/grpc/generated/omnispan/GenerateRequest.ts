// Original file: proto/omnispan.proto


export interface GenerateRequest {
  'requestId'?: (string);
  'tenantId'?: (string);
  'prompt'?: (string);
  'maxTokens'?: (number);
}

export interface GenerateRequest__Output {
  'requestId': (string);
  'tenantId': (string);
  'prompt': (string);
  'maxTokens': (number);
}
