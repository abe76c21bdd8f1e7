"""The commands of the command line, one file a group; each is imported when it is used."""
