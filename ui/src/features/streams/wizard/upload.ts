/** Brings a file into a stream, push by push. */

import { send } from '../../../api/client';
import type { FileKind } from './fileRecords';
import { pushesOf } from './fileRecords';

export type UploadState = { nBytes: number; sizeBytes: number; stored: number; quarantined: number };

type Receipt = { stored: number; quarantined: number; deduplicated: number };

/** Sends the file. Each push has a key of its own, so that one whose answer was lost is not stored twice. */
export async function uploadFile(stream: string, file: File, kind: FileKind, header: string | null, onProgress: (state: UploadState) => void, signal: AbortSignal): Promise<UploadState> {
  const state: UploadState = { nBytes: 0, sizeBytes: file.size, stored: 0, quarantined: 0 };
  let number = 0;
  for await (const push of pushesOf(file, kind, header)) {
    const headers = { 'content-type': push.contentType, 'idempotency-key': `${file.name.replace(/[^\x20-\x7e]/g, '_').slice(0, 80)}-${file.size}-${file.lastModified}-${number}` };
    const response = await send(`/v1/streams/${encodeURIComponent(stream)}/records`, { method: 'POST', headers, body: push.body, signal });
    const receipt = (await response.json()) as Receipt;
    state.nBytes += push.nBytes;
    state.stored += receipt.stored;
    state.quarantined += receipt.quarantined;
    number += 1;
    onProgress({ ...state });
  }
  return state;
}
