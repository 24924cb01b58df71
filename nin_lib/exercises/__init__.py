"""The chapters' exercises, one file a chapter; ``nin_lib.check`` reads them when asked for one."""
