#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vm: --timeout 600
#
# interop6.sh - IPv6 against the kernel's own xfrm: see matrix.sh
# shellcheck source=selftests/net/matrix.sh
. ./matrix.sh
matrix 6 tunnel transport
