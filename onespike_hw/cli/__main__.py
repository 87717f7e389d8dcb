import sys

from onespike_hw.cli import main

sys.exit(main())
