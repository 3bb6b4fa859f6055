import { useEffect } from 'preact/hooks';

/** Names the window after the page: "Oak chair - related-pins". */
export function useTitle(name: string): void {
  useEffect(() => {
    document.title = `${name} - related-pins`;
  }, [name]);
}
