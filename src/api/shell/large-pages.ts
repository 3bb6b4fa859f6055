/**
 * Columns, codes and class scores are read at random rows; with pages of 4 KiB a good part of that is looking up pages.
 * glibc 2.35 and later asks the kernel for large ones where it is told so before the process starts (anything else ignores
 * the setting): a closeup takes a tenth to a quarter less processor time (docs/SCALE.md).
 */
export const LARGE_PAGES: Readonly<Record<string, string>> = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };
