"""Small programs that measure within a process, run by the interpreter that has what they measure."""
