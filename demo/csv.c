/*
 * csv.c
 *	  Reading CSV (RFC 4180) from a file, or through gzip when its name ends
 *	  in .gz.
 *
 * gzip runs as a child process with its own arguments, no shell between, so
 * that the client needs no library for it.  A record is read whole; a field
 * may hold commas, doubled quotes and line ends when it is quoted.
 */
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Start "gzip -dc" on the file and read its output. */
static void
open_compressed(CsvReader *reader, const char *path)
{
	int			ends[2];
	int			file = open(path, O_RDONLY | O_CLOEXEC);
	pid_t		child;

	if (file < 0)
		fail("could not open \"%s\": %s", path, strerror(errno));
	if (pipe(ends) != 0)
		fail("could not make a pipe: %s", strerror(errno));
	fflush(NULL);
	child = fork();
	if (child < 0)
		fail("could not start gzip: %s", strerror(errno));
	if (child == 0)
	{
		if (dup2(file, STDIN_FILENO) >= 0 && dup2(ends[1], STDOUT_FILENO) >= 0)
		{
			close(ends[0]);
			execlp("gzip", "gzip", "-dc", (char *) NULL);
		}
		_exit(127);
	}
	close(file);
	close(ends[1]);
	reader->child = child;
	reader->file = fdopen(ends[0], "r");
}

void
csv_open(CsvReader *reader, const char *path)
{
	size_t		len = strlen(path);

	memset(reader, 0, sizeof(*reader));
	reader->name = path;
	if (len > 3 && strcmp(path + len - 3, ".gz") == 0)
		open_compressed(reader, path);
	else
		reader->file = fopen(path, "r");
	if (reader->file == NULL)
		fail("could not open \"%s\": %s", path, strerror(errno));
}

/* Put one byte at "at" of the record's text. */
static void
put_byte(CsvReader *reader, size_t at, int c)
{
	reader->text = grow(reader->text, at, &reader->room, 1);
	reader->text[at] = (char) c;
}

/*
 * Read the next record; false at the end.  The fields stay valid until the
 * next call.
 */
bool
csv_next(CsvReader *reader)
{
	size_t		at = 0;
	bool		quoted = false;
	int			c = getc_unlocked(reader->file);

	if (c == EOF)
		return false;
	reader->line++;
	reader->nfields = 1;
	for (;; c = getc_unlocked(reader->file))
	{
		if (quoted && c == EOF)
			fail("%s, line %lld: a quoted field does not end", reader->name,
				 (long long) reader->line);
		if (quoted && c == '"')
		{
			c = getc_unlocked(reader->file);
			if (c != '"')
			{
				quoted = false;
				ungetc(c, reader->file);
				continue;
			}
		}
		else if (!quoted && c == '"')
		{
			quoted = true;
			continue;
		}
		else if (!quoted && (c == '\n' || c == EOF))
			break;
		else if (!quoted && c == '\r')
			continue;
		else if (!quoted && c == ',')
		{
			put_byte(reader, at++, '\0');
			reader->nfields++;
			continue;
		}
		put_byte(reader, at++, c);
	}
	put_byte(reader, at, '\0');

	/* the text has stopped moving: note where each field begins */
	at = 0;
	for (int i = 0; i < reader->nfields; i++)
	{
		reader->fields = grow(reader->fields, (size_t) i,
							  &reader->fields_room, sizeof(char *));
		reader->fields[i] = reader->text + at;
		at += strlen(reader->text + at) + 1;
	}
	return true;
}

/* Read the first record and insist on its columns, comma-separated. */
void
csv_header(CsvReader *reader, const char *expected)
{
	Buffer		found = {0};

	if (csv_next(reader))
		for (int i = 0; i < reader->nfields; i++)
		{
			if (i > 0)
				buffer_char(&found, ',');
			buffer_add(&found, reader->fields[i]);
		}
	if (found.data == NULL || strcmp(found.data, expected) != 0)
		fail("%s: the columns are not \"%s\"", reader->name, expected);
	free(found.data);
}

/* Close it; a child that could not decompress is an error. */
void
csv_close(CsvReader *reader)
{
	int			status = 0;

	fclose(reader->file);
	if (reader->child &&
		(waitpid(reader->child, &status, 0) < 0 || status != 0))
		fail("%s: gzip could not decompress it", reader->name);
	free(reader->text);
	free(reader->fields);
}
