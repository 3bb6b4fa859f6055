import { refusal } from './publication.ts';
import { type ArtifactStore, folderStore } from './artifact-store.ts';

/** The place that an operator names: a folder. @throws PUBLICATION_REFUSED for an address of another kind. */
export function openStore(place: string): ArtifactStore {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(place)) throw refusal(place, 'a folder is known here, and no address of this kind');
  return folderStore(place);
}
