// Original file: proto/omnispan.proto


export interface GenerateRequest {
  'requestId'?: (string);
  'tenantId'?: (string);
  'prompt'?: (string);
  'maxTokens'?: (number);
  'temperature'?: (number | string);
  'topP'?: (number | string);
  'topK'?: (number);
  'seed'?: (number);
  'stop'?: (string)[];
  'ignoreEos'?: (boolean);
  '_seed'?: "seed";
}

export interface GenerateRequest__Output {
  'requestId': (string);
  'tenantId': (string);
  'prompt': (string);
  'maxTokens': (number);
  'temperature': (number);
  'topP': (number);
  'topK': (number);
  'seed'?: (number);
  'stop': (string)[];
  'ignoreEos': (boolean);
  '_seed'?: "seed";
}
