#pragma once

// libnbd.h uses size_t without including its definition.
#include <stddef.h>

#include <libnbd.h>
