"""Making the one PDF that leaves the hospital: cover, copies, stamps, manifest.

Nothing here knows Django or the database. `build_package` takes facts and files and makes a file, so that
it can run in a child process with limits of its own (`python -m records.release.packaging`) and so that a
re-run makes the same bytes.

Nothing is imported here: the web process needs the facts' shapes only, not the PDF libraries of the rest.
"""
