/*
 * phone_library.cpp
 *	  libphonenumber behind one C function; no PostgreSQL in it.
 *
 * No exception leaves this file.  The library is built with its own data, so
 * its answers change with its version.
 */
#include <cstring>
#include <exception>
#include <string>

#include <phonenumbers/phonenumberutil.h>

#include "phone_library.h"

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

/*
 * E.164 of the number, with "x" and its extension, into "result" of "size"
 * bytes; its length, 0 where none can be made of it, -1 where the library
 * failed.
 */
extern "C" int
omni_phone_library_e164(const char *text, size_t len, const char *country,
						char *result, size_t size)
{
	try
	{
		const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
		PhoneNumber number;
		std::string written;

		if (util->Parse(std::string(text, len), country ? country : "ZZ",
						&number) != PhoneNumberUtil::NO_PARSING_ERROR)
			return 0;
		if (util->IsPossibleNumberWithReason(number) !=
			PhoneNumberUtil::IS_POSSIBLE)
			return 0;
		util->Format(number, PhoneNumberUtil::E164, &written);
		if (number.has_extension() && !number.extension().empty())
			written += "x" + number.extension();
		if (written.size() >= size)
			return 0;
		std::memcpy(result, written.c_str(), written.size() + 1);
		return static_cast<int>(written.size());
	}
	catch (...)
	{
		return -1;
	}
}
