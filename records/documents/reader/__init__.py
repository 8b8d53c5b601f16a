"""Reading one file from outside: pictures and text of its pages.

Everything in this package runs in a child process with nothing to lose (`python -m records.documents.reader`):
no Django, no database, no keys, limits on memory, time and files. `records.documents.reading` starts it.
"""
