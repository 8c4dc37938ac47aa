// Original file: proto/omnispan.proto


export interface StatsRequest {
}

export interface StatsRequest__Output {
}
