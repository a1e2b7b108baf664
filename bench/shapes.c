#include "cases.h"

#include <stdio.h>

bool case_add_file(case_list *list, problem_op op, const char *path, const case_settings *s,
                   char why[PROBLEM_WHY])
{
    (void)list, (void)op, (void)s;
    snprintf(why, PROBLEM_WHY, "%s: shape files are not read yet", path);
    return false;
}
