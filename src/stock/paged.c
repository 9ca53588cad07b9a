/*
 * paged.c
 *	  Arrays of a block in pages of one size.
 *
 * Memory that is full is made room in by dropping blocks here and there, while
 * pinned ones stay everywhere between: a large piece in a row hardly ever
 * comes free, a kilobyte soon does.  So an array that is larger than a page is
 * a directory of pages.
 */
#include "omni.h"

#include "miscadmin.h"

#include "core/test_point.h"
#include "stock/block.h"

StaticAssertDecl(OMNI_PAGE_BYTES % sizeof(OmniSlot) == 0 &&
				 OMNI_PAGE_BYTES % sizeof(OmniPromise *) == 0,
				 "elements fill a page");

/* How many pages, or 0 where one piece of less than a page holds all. */
static uint32
count_pages(uint32 n, Size width)
{
	return n * width > OMNI_PAGE_BYTES ? n * width / OMNI_PAGE_BYTES : 0;
}

/*
 * Make room for n elements, a power of two, all zero.  The caller holds no
 * LWLock.  False, and nothing taken, where memory is used up.
 */
bool
omni_stock_paged_alloc(OmniPaged *array, uint32 n, Size width)
{
	uint32		npages = count_pages(n, width);

	memset(array, 0, sizeof(*array));
	if (npages == 0)
	{
		array->page = omni_stock_alloc(n * width);
		if (array->page == NULL)
			return false;
		memset(array->page, 0, n * width);
		array->n = n;
		return true;
	}

	array->pages = omni_stock_alloc(npages * sizeof(char *));
	if (array->pages == NULL)
		return false;
	memset(array->pages, 0, npages * sizeof(char *));
	array->n = n;
	/* a cancelled eviction must not lose the pages taken so far */
	HOLD_INTERRUPTS();
	for (uint32 i = 0; i < npages; i++)
	{
		array->pages[i] = omni_stock_alloc(OMNI_PAGE_BYTES);
		if (array->pages[i] == NULL)
		{
			(void) omni_stock_paged_free(array, width);
			break;
		}
		memset(array->pages[i], 0, OMNI_PAGE_BYTES);
		OMNI_TEST_POINT("page");
	}
	RESUME_INTERRUPTS();
	return array->n > 0;
}

/* Give an array back, and make it one without elements; bytes freed. */
Size
omni_stock_paged_free(OmniPaged *array, Size width)
{
	uint32		npages = count_pages(array->n, width);
	Size		freed = 0;

	for (uint32 i = 0; i < npages; i++)
		if (array->pages[i])
			freed += omni_stock_arena_free(array->pages[i], OMNI_PAGE_BYTES);
	if (npages > 0)
		freed += omni_stock_arena_free(array->pages, npages * sizeof(char *));
	else if (array->n > 0)
		freed += omni_stock_arena_free(array->page, array->n * width);
	memset(array, 0, sizeof(*array));
	return freed;
}
